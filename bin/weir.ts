console.log(process.version, process.argv.slice(2)); if (process.argv[2]==="wait") setTimeout(()=>{},9000)
